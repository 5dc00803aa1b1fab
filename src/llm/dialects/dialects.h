#pragma once

#include "ringway/dialect.h"

/// The wire formats, one object each; llm/registry.cpp lists them.
namespace ringway::llm {

const Dialect& openai_chat();
const Dialect& openai_completions();
const Dialect& openai_responses();
const Dialect& openai_embeddings();
const Dialect& openai_other(); ///< any other path of the OpenAI API: passed through
const Dialect& anthropic_messages();
const Dialect& anthropic_count_tokens();
const Dialect& anthropic_other(); ///< any other path of the Anthropic API: passed through

} // namespace ringway::llm
