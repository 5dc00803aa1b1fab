#include "app/cli.h"

#include <CLI/CLI.hpp>

namespace ringway::app {

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

    try {
        app.parse(count, values);
    } catch (const CLI::ParseError& error) {
        parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
        return parsed;
    }
    if (workers != 0) into.workers = workers;
    if (check->parsed()) into.command = Arguments::Command::check;
    if (version->parsed()) into.command = Arguments::Command::version;
    if (mock->parsed()) into.command = Arguments::Command::mock;
    return parsed;
}

} // namespace ringway::app
