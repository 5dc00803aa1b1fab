#include "admin/admin.h"

#include "http/head_writer.h"
#include "wire/url.h"

namespace ringway::admin {
namespace {

constexpr Duration sample_time =
    1s; ///< a worker that is stuck must not hold up the others' numbers

struct Answer {
    uint16_t status = 200;
    Bytes content_type = "text/plain; charset=utf-8";
    std::string body;
};

/// How many workers have not sampled their numbers yet. Letters to the workers share it, so the
/// last share may go on any thread: it holds nothing that belongs to a loop.
struct Tally {
    unsigned missing;
    ring::Signal* waiting; ///< null: nobody waits any more
};

ring::Task<void> sample(AdminContext& context) {
    ring::Signal signal(context.loop);
    ring::Deadline deadline(signal);
    auto tally = std::make_shared<Tally>(context.counters.workers(), &signal);
    deadline.set(context.loop, context.loop.now() + sample_time);
    context.sample([tally] {
        --tally->missing;
        if (tally->waiting != nullptr) tally->waiting->raise();
    });
    while (tally->missing > 0 && !deadline.has_passed(context.loop.now())) {
        co_await signal.wait();
    }
    tally->waiting = nullptr;
}

ring::Task<Answer> answer(AdminContext& context, wire::Method method, Bytes path) {
    Answer made;
    if (method != wire::Method::get && method != wire::Method::head) {
        made.status = 405;
        made.body = "GET only\n";
    } else if (path == "/metrics") {
        co_await sample(context);
        made.content_type = "text/plain; version=0.0.4; charset=utf-8";
        made.body = observe::render_metrics(context.counters, context.build);
    } else if (path == "/healthz") {
        made.body = "ok\n";
    } else if (path == "/readyz") {
        const bool is_ready = context.is_ready();
        made.status = is_ready ? 200 : 503;
        made.body = is_ready ? "ready\n" : "draining\n";
    } else {
        made.status = 404;
        made.body = "ringway admin: /metrics /healthz /readyz\n";
    }
    co_return made;
}

void write(http::ServerConnection& client, const Answer& made, bool is_head, bool keeps) {
    http::HeadWriter writer(client.loop().blocks());
    writer.status_line(made.status).field("content-type", made.content_type);
    writer.field("content-length", made.body.size());
    writer.field("connection", keeps ? "keep-alive" : "close").text("\r\n");
    if (!is_head) writer.text(made.body);
    ring::SliceQueue out;
    writer.take(out);
    client.write(std::move(out));
}

} // namespace

ring::Task<void> serve_admin_connection(AdminContext& context, int socket) {
    http::ServerConnection client(context.loop, socket, context.limits, nullptr);
    AdminClient known(client.signal());
    context.clients.push_back(known);
    const auto fields = std::make_unique<wire::Fields>();
    bool keeps = true;
    while (keeps && !context.is_stopping) {
        const auto head = client.poll_head();
        if (head && *head == http::Progress::waiting) {
            co_await client.signal().wait();
            continue;
        }
        if (!head && head.error().code == Code::closed) break;
        auto line =
            head ? wire::parse_request_head(client.head().bytes(), *fields, context.limits.head)
                 : std::unexpected(head.error());
        if (!line) {
            write(client, {400, "text/plain", "malformed request\n"}, false, false);
            break;
        }
        keeps = line->keeps_alive && line->framing == wire::Framing::none;
        const bool is_head = line->method == wire::Method::head;
        const std::string path(wire::split_target(line->target).path);
        const Answer made = co_await answer(context, line->method, path);
        write(client, made, is_head, keeps);
        client.await_next_request();
    }
    co_await client.close_gracefully(!keeps);
}

} // namespace ringway::admin
