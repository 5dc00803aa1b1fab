#include "support/recordings.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "support/golden.h"
#include "wire/json.h"

namespace ringway::tests {

std::string read_golden(const std::string& name) {
    std::ifstream file(std::string(golden_directory) + "/" + name, std::ios::binary);
    INFO(name);
    REQUIRE(file.good());
    return std::string(std::istreambuf_iterator<char>(file), {});
}

const std::vector<Recording>& recordings() {
    static const std::vector<Recording> all = [] {
        std::vector<Recording> made;
        const auto index = wire::parse_json(read_golden("recordings/index.json"), false);
        REQUIRE(index.has_value());
        for (const wire::Json& row : index->elements) {
            const std::string format = row.find("format")->string;
            if (format != "json" && format != "sse") continue;
            Recording recording;
            recording.name = row.find("folder")->string + "/" + row.find("name")->string;
            const std::string stem = "recordings/" + recording.name;
            const auto request = wire::parse_json(read_golden(stem + ".request.json"), false);
            REQUIRE(request.has_value());
            recording.path = request->find("path")->string;
            recording.is_stream = format == "sse";
            recording.status = static_cast<unsigned>(row.find("status")->integer);
            recording.body = read_golden(stem + ".response." + format);
            made.push_back(std::move(recording));
        }
        return made;
    }();
    return all;
}

} // namespace ringway::tests
