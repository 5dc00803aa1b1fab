#include "app/cli.h"

#include "app/bench_arguments.h"

#include <CLI/CLI.hpp>

namespace ringway::app {
namespace {

void add_bench_target(CLI::App& bench, BenchFlags& into) {
    bench.add_option("url", into.url, "base URL to load, such as http://127.0.0.1:8080/v1")
        ->required();
    bench.add_option("--vs", into.vs_url,
                     "base URL to compare with, in turn: the provider that the gateway asks");
    bench.add_option("--api", into.api, "chat, responses, messages, completions or embeddings");
    bench.add_option("--model", into.model, "the model asked for");
    bench.add_option("--vs-model", into.vs_model, "its name at the URL compared with");
    bench.add_option("--key", into.key, "API key")->envname("RINGWAY_BENCH_KEY");
    bench.add_option("--vs-key", into.vs_key, "API key of the URL compared with");
    bench.add_flag("--stream,!--no-stream", into.options.streams, "ask for streams (default)");
    bench.add_option("--prompt-bytes", into.options.prompt_bytes, "size of the prompt")
        ->check(CLI::Range(0U, 16U << 20));
    bench.add_option("--max-tokens", into.options.max_tokens, "tokens asked for");
    bench.add_flag("--unique", into.options.makes_unique, "make each prompt differ");
    bench.add_flag("--no-usage", into.without_usage, "neither ask for usage nor miss it");
    bench.add_option("--expect-tokens", into.expect_tokens,
                     "content events that every answer must have");
    bench.add_option("--header", into.options.headers, "\"name: value\", sent with every request")
        ->allow_extra_args(false);
    bench.add_flag("--insecure", into.options.is_insecure, "check no certificates");
    bench.add_flag("!--no-resumption", into.options.resumes_tls,
                   "new connections make a whole TLS handshake each");
}

void add_bench_load(CLI::App& bench, BenchFlags& into) {
    CLI::Option* connections =
        bench
            .add_option("-c,--connections", into.connections,
                        "closed loop: this many connections, each with one request at a time")
            ->check(CLI::Range(1U, 1000000U));
    bench.add_option("-r,--rate", into.rate, "open loop: requests per second, whatever happens")
        ->check(CLI::PositiveNumber)
        ->excludes(connections);
    bench.add_flag("--poisson", into.is_poisson, "open loop: a Poisson process, not an even one");
    bench.add_option("--sweep", into.sweep,
                     "several loads: rate=100..1000x2, rate=100..500+100, connections=1,10,100");
    bench.add_option("-n,--requests", into.options.requests, "requests per load and URL");
    bench.add_option("-d,--duration", into.duration,
                     "time per load and URL, warm-up apart (default 10s)");
    bench.add_option("--warmup", into.warmup, "time before each round that is not counted");
    bench.add_option("--rounds", into.rounds, "rounds that requests or time are split into")
        ->check(CLI::Range(1U, 1000U));
    bench.add_option("--ramp", into.ramp, "time over which the connections start");
    bench.add_option("--drain", into.drain, "time for the last answers to end (default 30s)");
    bench.add_option("--timeout", into.timeout, "time for one request (default 5m)");
    bench.add_flag("--new-connections", into.options.opens_connections,
                   "one connection for each request");
    bench
        .add_option("--abort-percent", into.options.abort_percent,
                    "percent of requests given up in the middle of the answer")
        ->check(CLI::Range(0U, 100U));
    bench.add_option("--seed", into.options.seed, "of all that is random");
}

void add_bench_report(CLI::App& bench, BenchFlags& into) {
    bench.add_option("--slo", into.slo,
                     "goodput: answers within bounds, such as ttft:200ms,itl:50ms");
    bench.add_option("--json", into.options.json_file, "write the report as JSON; -: print it");
    bench.add_option("--svg", into.options.svg_file, "write plots");
    bench.add_flag("--allow-failures", into.options.allows_failures,
                   "failed requests are no failure of the run");
    bench.add_flag("!--no-progress", into.options.shows_progress, "show no progress");
}

} // namespace

ParsedArguments parse_arguments(int count, char** values) {
    ParsedArguments parsed;
    Arguments& into = parsed.arguments;
    CLI::App app("ringway: one server between applications and every LLM provider", "ringway");
    app.require_subcommand(1);
    unsigned workers = 0;

    const auto add_runtime = [&](CLI::App* command) {
        command->add_option("--listen", into.listen, "ADDRESS:PORT, :PORT or unix:PATH");
        command->add_option("--smp", workers, "workers; default: one for each processor")
            ->check(CLI::Range(1U, 1024U));
        command->add_option("--cpuset", into.cpuset, "processors to run on, such as 0,2-5");
    };
    CLI::App* serve = app.add_subcommand("serve", "run the gateway");
    serve->add_option("-c,--config", into.config_file, "configuration file (JSON)");
    serve->add_option("--provider", into.providers,
                      "NAME=URL of a provider, when there is no configuration file");
    add_runtime(serve);

    CLI::App* check = app.add_subcommand("check", "check a configuration file and exit");
    check->add_option("-c,--config,config", into.config_file, "configuration file (JSON)")
        ->required();

    CLI::App* version = app.add_subcommand("version", "print the version");
    version->add_flag("--build", into.shows_build,
                      "with compiler, libraries and the kernel features in use");

    CLI::App* mock = app.add_subcommand("mock", "run a mock provider");
    add_runtime(mock);
    mock->allow_extras(false);
    struct MockOption {
        const char* flag;
        const char* key;
        const char* help;
    };
    static constexpr MockOption mock_options[] = {
        {"--tokens", "tokens", "content events in an answer"},
        {"--delay", "delay", "time before the response head"},
        {"--ttft", "ttft", "time to the first token, such as 50ms"},
        {"--gap", "gap", "time between tokens, or bursts of them"},
        {"--burst", "burst", "tokens written in one go"},
        {"--bytes", "bytes", "bytes of content in a token"},
        {"--jitter", "jitter", "percent by which gaps vary"},
        {"--groups", "groups", "groups of streams whose tokens go together; 0: each on its own"},
        {"--stamp", "stamp", "1: each event carries its send time"},
        {"--input", "input", "prompt tokens in the usage; 0: estimated from the body"},
        {"--dimensions", "dimensions", "of embeddings"},
        {"--tools", "tools", "0: requests with tools are answered with text"},
        {"--fault", "fault", "what goes wrong: 429, 500, reset, silence, cut, stall ..."},
        {"--at", "at", "after how many tokens it goes wrong"},
        {"--replay", "replay", "a recording, or a tree of them, to be answered with"},
        {"--split", "split", "of a recording: whole, events, bytes:N or random:SEED"},
        {"--pace", "pace", "time between a recording's pieces"},
        {"--framing", "framing", "of a recording: chunked, length or close"},
        {"--record", "record", "1: keep the last requests for GET /mock/requests"},
        {"--keep", "keep", "how many requests are kept"},
        {"--tls-cert", "tls-cert", "certificate chain (PEM file): the mock speaks TLS"},
        {"--tls-key", "tls-key", "its key (PEM file)"},
    };
    for (const MockOption& option : mock_options) {
        mock->add_option_function<std::string>(
            option.flag,
            [&into, key = option.key](const std::string& value) {
                into.mock_options.emplace_back(key, value);
            },
            option.help);
    }

    CLI::App* bench = app.add_subcommand("bench", "measure a gateway or a provider under load");
    BenchFlags bench_flags;
    add_bench_target(*bench, bench_flags);
    add_bench_load(*bench, bench_flags);
    add_bench_report(*bench, bench_flags);
    bench->add_option("--smp", workers, "workers; default 1")->check(CLI::Range(1U, 1024U));
    bench->add_option("--cpuset", into.cpuset, "processors to run on, such as 0,2-5");

    try {
        app.parse(count, values);
        if (bench->parsed()) {
            auto options = read_bench_flags(bench_flags);
            if (!options) throw CLI::ValidationError(options.error());
            into.bench = std::move(*options);
        }
    } catch (const CLI::ParseError& error) {
        parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
        return parsed;
    }
    if (workers != 0) into.workers = workers;
    if (check->parsed()) into.command = Arguments::Command::check;
    if (version->parsed()) into.command = Arguments::Command::version;
    if (mock->parsed()) into.command = Arguments::Command::mock;
    if (bench->parsed()) into.command = Arguments::Command::bench;
    return parsed;
}

} // namespace ringway::app
