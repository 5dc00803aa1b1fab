#pragma once

#include "tools/bench_options.h"

#include <optional>
#include <string>
#include <vector>

namespace ringway::app {

/// What the command line asks for.
struct Arguments {
    enum class Command { serve, check, version, mock, bench };
    Command command = Command::serve;

    std::string config_file;
    std::vector<std::string> providers; ///< --provider NAME=URL
    std::string listen;
    std::optional<unsigned> workers; ///< --smp
    std::string cpuset;
    bool is_strict = false;
    bool shows_build = false;
    std::vector<std::pair<std::string, std::string>> mock_options;
    tools::BenchOptions bench;
};

/// Reads the command line. When it asks for help, or is wrong, prints what there is to say and
/// returns the exit status instead.
struct ParsedArguments {
    Arguments arguments;
    std::optional<int> exit_status;
};
ParsedArguments parse_arguments(int count, char** values);

} // namespace ringway::app
