#include "app/commands.h"

namespace ringway::app {

int mock_command(const Arguments&) { return 2; }

} // namespace ringway::app
