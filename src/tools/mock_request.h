#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/http1_head.h"
#include "wire/json_scan.h"

namespace ringway::tools {

/// What the mock was asked for, by method and path.
enum class MockApi : uint8_t {
    chat,
    completions,
    responses,
    embeddings,
    messages,
    count_tokens,
    models,
    stats,    ///< /mock/stats
    requests, ///< /mock/requests
    welcome,  ///< /, for probes
    echo,     ///< any other /v1/...
    unknown,
};
MockApi mock_api(wire::Method method, Bytes path);
/// Whose error shape it has.
bool is_anthropic(MockApi api);
/// Its body is a JSON object that names a model.
bool has_model(MockApi api);

/// What the mock reads of a request's body.
struct MockFacts {
    std::string model;
    bool is_stream = false;
    bool includes_usage = false;
    bool refuses_tools = false;  ///< tool_choice is "none"
    bool ends_in_result = false; ///< the last message is a tool's result
    std::string tool;            ///< the first tool's name
    uint32_t inputs = 0;         ///< texts to embed
    uint32_t dimensions = 0;     ///< of embeddings, as asked for
    bool wants_base64 = false;   ///< embeddings as base64
    uint64_t body_bytes = 0;
};

/// Reads a body of any API above as it arrives, without keeping it.
class MockRequestScan final : private wire::JsonSink {
public:
    MockRequestScan();
    /// Errors: {malformed, client}.
    Status feed(Bytes piece);
    Status finish();
    const MockFacts& facts() const { return facts_; }

private:
    void on_value(const wire::JsonValue& value) override;

    wire::JsonScanner scanner_;
    MockFacts facts_;
    std::string tool_type_;  ///< of the tool being read
    std::string tool_name_;  ///< of the tool being read
    bool is_result_ = false; ///< the message being read is a tool's result
    bool is_token_ = false;  ///< the input is an array of token numbers
};

} // namespace ringway::tools
