#pragma once

#include "llm/registry.h"

/// The kinds of providers, one each; llm/registry.cpp lists them.
namespace ringway::llm {

const ProviderTraits& openai_provider();
const ProviderTraits& anthropic_provider();

} // namespace ringway::llm
