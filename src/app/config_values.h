#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config_file.h"

namespace ringway::app {

/// Reads single values of a configuration's tree, and keeps the mistakes found.
class ConfigValues {
public:
    explicit ConfigValues(const ConfigSurroundings& surroundings) : surroundings_(surroundings) {}

    /// A key of an object and what to do with its value.
    struct Key {
        Bytes name;
        std::function<void(const wire::Json& value, const std::string& path)> read;
    };
    /// Reads an object by its keys; unknown and repeated ones are mistakes.
    void object(const wire::Json& value, const std::string& path, const std::vector<Key>& keys);
    /// Visits an object whose keys are names chosen by the user.
    void named(const wire::Json& value, const std::string& path,
               const std::function<void(const std::string& name, const wire::Json& member,
                                        const std::string& member_path)>& visit);
    void elements(const wire::Json& value, const std::string& path,
                  const std::function<void(const wire::Json& element,
                                           const std::string& element_path)>& visit);

    void text(const wire::Json& value, const std::string& path, std::string& into);
    void boolean(const wire::Json& value, const std::string& path, bool& into);
    void count(const wire::Json& value, const std::string& path, unsigned min, unsigned max,
               unsigned& into);
    void duration(const wire::Json& value, const std::string& path, Duration& into);
    /// An object of durations.
    void durations(const wire::Json& value, const std::string& path,
                   std::initializer_list<std::pair<Bytes, Duration*>> into);
    void byte_size(const wire::Json& value, const std::string& path, uint64_t min, uint64_t& into);
    /// "${NAME}", "${NAME:-default}", {"file": "..."}, {"credential": "..."} or the text itself.
    void secret(const wire::Json& value, const std::string& path, Secret& into);
    /// Absent: none; [] none of them; ["*"] all.
    void patterns(const wire::Json& value, const std::string& path,
                  std::optional<std::vector<std::string>>& into);
    /// "2027-01-01" or "2027-01-01T12:00:00Z", as seconds since 1970 UTC.
    void date(const wire::Json& value, const std::string& path, std::optional<int64_t>& into);
    /// The text of the file that `value` names.
    void file_text(const wire::Json& value, const std::string& path, std::string& into);

    void problem(wire::TextPosition position, std::string path, std::string what);
    /// A mistake in the value at `path`.
    void bad(const wire::Json& value, const std::string& path, std::string what) {
        problem(value.position, path, std::move(what));
    }
    const std::vector<ConfigProblem>& problems() const { return problems_; }
    /// Whether the value that stands there, or one in it, is known to be wrong.
    bool has_problem_at(wire::TextPosition begin) const;

private:
    bool expect(const wire::Json& value, const std::string& path, wire::JsonKind kind,
                const char* what);

    const ConfigSurroundings& surroundings_;
    std::vector<ConfigProblem> problems_;
};

} // namespace ringway::app
