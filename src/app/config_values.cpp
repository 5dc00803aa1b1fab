#include "app/config_values.h"

#include <algorithm>
#include <ctime>

#include "base/byte_size.h"
#include "base/duration_text.h"
#include "base/text.h"

namespace ringway::app {
namespace {

using wire::Json;
using wire::JsonKind;

std::string quoted(Bytes text) { return wire::json_string(text); }

std::string path_of(const std::string& parent, Bytes key) {
    return parent.empty() ? std::string(key) : parent + "." + std::string(key);
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
        text.pop_back();
    }
    return text;
}

} // namespace

void ConfigValues::problem(wire::TextPosition position, std::string path, std::string what) {
    problems_.push_back({position, std::move(path), std::move(what)});
}

bool ConfigValues::has_problem_at(wire::TextPosition begin) const {
    return std::any_of(problems_.begin(), problems_.end(), [&](const ConfigProblem& problem) {
        return problem.position.line > begin.line ||
               (problem.position.line == begin.line && problem.position.column >= begin.column);
    });
}

bool ConfigValues::expect(const Json& value, const std::string& path, JsonKind kind,
                          const char* what) {
    if (value.kind == kind) return true;
    bad(value, path, std::string("expected ") + what);
    return false;
}

void ConfigValues::object(const Json& value, const std::string& path,
                          const std::vector<Key>& keys) {
    if (!expect(value, path, JsonKind::object, "an object")) return;
    std::vector<Bytes> seen;
    for (const Json::Member& member : value.members) {
        const std::string member_path = path_of(path, member.key);
        if (std::find(seen.begin(), seen.end(), member.key) != seen.end()) {
            problem(member.position, member_path, "occurs more than once");
            continue;
        }
        seen.push_back(member.key);
        const auto known = std::find_if(keys.begin(), keys.end(),
                                        [&](const Key& key) { return key.name == member.key; });
        if (known != keys.end()) {
            known->read(member.value, member_path);
            continue;
        }
        std::vector<std::string> names;
        for (const Key& key : keys) names.emplace_back(key.name);
        const auto near = base::near_names(member.key, names, 1);
        std::string what = "unknown key";
        if (!near.empty()) what += " (did you mean " + quoted(near.front()) + "?)";
        problem(member.position, member_path, std::move(what));
    }
}

void ConfigValues::named(
    const Json& value, const std::string& path,
    const std::function<void(const std::string&, const Json&, const std::string&)>& visit) {
    if (!expect(value, path, JsonKind::object, "an object")) return;
    std::vector<Bytes> seen;
    for (const Json::Member& member : value.members) {
        const std::string member_path = path_of(path, member.key);
        if (std::find(seen.begin(), seen.end(), member.key) != seen.end()) {
            problem(member.position, member_path, "occurs more than once");
        } else if (member.key.empty()) {
            problem(member.position, member_path, "a name is not empty");
        } else {
            visit(member.key, member.value, member_path);
        }
        seen.push_back(member.key);
    }
}

void ConfigValues::elements(const Json& value, const std::string& path,
                            const std::function<void(const Json&, const std::string&)>& visit) {
    if (!expect(value, path, JsonKind::array, "an array")) return;
    for (size_t i = 0; i < value.elements.size(); ++i) {
        visit(value.elements[i], path + "[" + std::to_string(i) + "]");
    }
}

void ConfigValues::text(const Json& value, const std::string& path, std::string& into) {
    if (expect(value, path, JsonKind::string, "a string")) into = value.string;
}

void ConfigValues::boolean(const Json& value, const std::string& path, bool& into) {
    if (expect(value, path, JsonKind::boolean, "true or false")) into = value.boolean;
}

void ConfigValues::count(const Json& value, const std::string& path, unsigned min, unsigned max,
                         unsigned& into) {
    if (value.kind != JsonKind::number || !value.is_integer || value.integer < int64_t{min} ||
        value.integer > int64_t{max}) {
        return bad(value, path,
                   "expected a whole number from " + std::to_string(min) + " to " +
                       std::to_string(max));
    }
    into = static_cast<unsigned>(value.integer);
}

void ConfigValues::duration(const Json& value, const std::string& path, Duration& into) {
    const auto parsed =
        value.kind == JsonKind::string ? base::parse_duration(value.string) : std::nullopt;
    if (!parsed) return bad(value, path, R"(expected a duration such as "250ms", "30s" or "10m")");
    into = *parsed;
}

void ConfigValues::durations(const Json& value, const std::string& path,
                             std::initializer_list<std::pair<Bytes, Duration*>> into) {
    std::vector<Key> keys;
    for (const auto& [name, target] : into) {
        keys.push_back({name, [this, target](const Json& v, const std::string& p) {
                            duration(v, p, *target);
                        }});
    }
    object(value, path, keys);
}

void ConfigValues::byte_size(const Json& value, const std::string& path, uint64_t min,
                             uint64_t& into) {
    std::optional<uint64_t> parsed;
    if (value.kind == JsonKind::string) parsed = base::parse_byte_size(value.string);
    if (value.kind == JsonKind::number && value.is_integer && value.integer >= 0) {
        parsed = static_cast<uint64_t>(value.integer);
    }
    if (!parsed) return bad(value, path, R"(expected a size such as "64KiB" or "16MiB")");
    if (*parsed < min) {
        return bad(value, path, "expected at least " + std::to_string(min) + " bytes");
    }
    into = *parsed;
}

void ConfigValues::file_text(const Json& value, const std::string& path, std::string& into) {
    if (!expect(value, path, JsonKind::string, "the path of a file")) return;
    auto content = surroundings_.file(value.string);
    if (!content) return bad(value, path, content.error());
    into = std::move(*content);
}

void ConfigValues::secret(const Json& value, const std::string& path, Secret& into) {
    if (value.kind == JsonKind::object) {
        std::string content;
        object(value, path,
               {{"file", [&](const Json& v, const std::string& p) { file_text(v, p, content); }},
                {"credential", [&](const Json& v, const std::string& p) {
                     const auto directory = surroundings_.variable("CREDENTIALS_DIRECTORY");
                     if (!directory) return bad(v, p, "CREDENTIALS_DIRECTORY is not set");
                     if (v.string.empty() || v.string.find('/') != std::string::npos) {
                         return bad(v, p, "expected the name of a credential");
                     }
                     auto read = surroundings_.file(*directory + "/" + v.string);
                     if (!read) return bad(v, p, read.error());
                     content = std::move(*read);
                 }}});
        into = Secret(trimmed(std::move(content)));
        return;
    }
    if (!expect(value, path, JsonKind::string, R"(a string, {"file": ...} or {"credential": ...})"))
        return;
    const std::string& given = value.string;
    if (!given.starts_with("${") || !given.ends_with("}")) {
        into = Secret(given);
        return;
    }
    const std::string inside = given.substr(2, given.size() - 3);
    const size_t dash = inside.find(":-");
    const std::string name = inside.substr(0, dash);
    if (const auto found = surroundings_.variable(name); found && !found->empty()) {
        into = Secret(*found);
    } else if (dash != std::string::npos) {
        into = Secret(inside.substr(dash + 2));
    } else {
        bad(value, path, "the environment variable " + name + " is not set");
    }
}

void ConfigValues::patterns(const Json& value, const std::string& path,
                            std::optional<std::vector<std::string>>& into) {
    into.emplace();
    elements(value, path, [&](const Json& element, const std::string& element_path) {
        text(element, element_path, into->emplace_back());
    });
}

void ConfigValues::date(const Json& value, const std::string& path, std::optional<int64_t>& into) {
    tm parts{};
    const char* end = value.kind == JsonKind::string
                          ? strptime(value.string.c_str(), "%Y-%m-%d", &parts)
                          : nullptr;
    if (end != nullptr && *end == 'T') end = strptime(end, "T%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') {
        return bad(value, path,
                   R"(expected a date such as "2027-01-01" or "2027-01-01T12:00:00Z")");
    }
    const int day = parts.tm_mday;
    into = timegm(&parts);
    if (parts.tm_mday != day)
        bad(value, path, "there is no such day"); // timegm went on to the next
}

} // namespace ringway::app
