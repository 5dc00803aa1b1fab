#pragma once

#include "app/cli.h"

/// What the program's commands do; each returns the exit status.
namespace ringway::app {

int serve_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int version_command(const Arguments& arguments);
int mock_command(const Arguments& arguments);
int bench_command(const Arguments& arguments);

} // namespace ringway::app
