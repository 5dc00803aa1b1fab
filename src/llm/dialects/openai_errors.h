#pragma once

#include <string>

#include "ringway/dialect.h"

namespace ringway::llm {

/// {"error":{"message","type","param","code"}}: the body of OpenAI-family errors.
std::string openai_error_body(const ApiError& error);

} // namespace ringway::llm
