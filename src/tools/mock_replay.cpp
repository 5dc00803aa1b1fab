#include "tools/mock_replay.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "wire/http1_fields.h"
#include "wire/json.h"
#include "wire/sse.h"

namespace ringway::tools {
namespace {

namespace fs = std::filesystem;
constexpr Bytes meta_suffix = ".meta.json";

std::expected<std::string, std::string> read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.is_open() || file.bad()) return std::unexpected("cannot read " + path.string());
    return text;
}

/// Fields that are told anew, or that the removal of content codings made wrong.
bool is_told_anew(wire::FieldId id) {
    return id == wire::FieldId::content_length || id == wire::FieldId::content_encoding ||
           wire::is_hop_by_hop(id);
}

std::expected<MockRecording, std::string> read_recording(const fs::path& meta_path) {
    const auto text = read_file(meta_path);
    if (!text) return std::unexpected(text.error());
    const auto meta = wire::parse_json(*text, false);
    if (!meta) return std::unexpected(meta_path.string() + ": " + meta.error().what);
    const wire::Json* const status = meta->find("status");
    const wire::Json* const file = meta->find("response_file");
    if (status == nullptr || file == nullptr) {
        return std::unexpected(meta_path.string() + ": has no status or response_file");
    }
    const auto body = read_file(meta_path.parent_path() / file->string);
    if (!body) return std::unexpected(body.error());
    MockRecording recording;
    const std::string file_name = meta_path.filename().string();
    recording.id = (meta_path.parent_path().filename() /
                    file_name.substr(0, file_name.size() - meta_suffix.size()))
                       .string();
    recording.status = static_cast<uint16_t>(status->integer);
    recording.body = *body;
    if (const wire::Json* streaming = meta->find("streaming")) {
        recording.is_streaming = streaming->boolean;
    }
    bool has_type = false;
    if (const wire::Json* fields = meta->find("headers")) {
        for (const wire::Json::Member& field : fields->members) {
            const wire::FieldId id = wire::field_id(field.key);
            if (is_told_anew(id)) continue;
            has_type = has_type || id == wire::FieldId::content_type;
            recording.fields.emplace_back(field.key, field.value.string);
        }
    }
    const wire::Json* const type = meta->find("content_type");
    if (!has_type && type != nullptr && !type->string.empty()) {
        recording.fields.emplace_back("content-type", type->string);
    }
    return recording;
}

std::vector<fs::path> meta_files(const std::string& path) {
    std::error_code error;
    std::vector<fs::path> files;
    if (fs::is_directory(path, error)) {
        for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
            if (entry.path().string().ends_with(meta_suffix)) files.push_back(entry.path());
        }
    } else if (path.ends_with(meta_suffix)) {
        files.emplace_back(path);
    } else {
        files.emplace_back(path + std::string(meta_suffix));
    }
    return files;
}

std::vector<size_t> split_at_events(Bytes body) {
    struct Ignore {
        void on_name_line() {}
        void on_name(Bytes) {}
        void on_data(Bytes) {}
        void on_data_line() {}
        void on_event_end() {}
    } sink;
    wire::SseParser parser;
    std::vector<size_t> lengths;
    while (!body.empty()) {
        const size_t length = parser.feed_event(body, sink);
        lengths.push_back(length);
        body.remove_prefix(length);
    }
    return lengths;
}

} // namespace

std::expected<MockRecordings, std::string> MockRecordings::load(const std::string& path) {
    MockRecordings made;
    for (const fs::path& file : meta_files(path)) {
        auto recording = read_recording(file);
        if (!recording) return std::unexpected(recording.error());
        made.all_.emplace(recording->id, std::move(*recording));
    }
    if (made.empty()) return std::unexpected("there are no recordings in " + path);
    return made;
}

const MockRecording* MockRecordings::find(Bytes id) const {
    if (id.empty()) return all_.size() == 1 ? &all_.begin()->second : nullptr;
    const auto at = all_.find(id);
    return at == all_.end() ? nullptr : &at->second;
}

std::vector<size_t> split_body(Bytes body, const MockOptions& options) {
    constexpr size_t random_piece_bytes_max = 512;
    std::vector<size_t> lengths;
    std::mt19937_64 random(options.split_number);
    switch (options.split) {
    case MockSplit::whole: return body.empty() ? lengths : std::vector<size_t>{body.size()};
    case MockSplit::events: return split_at_events(body);
    default: break;
    }
    for (size_t left = body.size(); left > 0; left -= lengths.back()) {
        const size_t wanted = options.split == MockSplit::bytes
                                  ? static_cast<size_t>(options.split_number)
                                  : 1 + random() % random_piece_bytes_max;
        lengths.push_back(std::min(left, wanted));
    }
    return lengths;
}

} // namespace ringway::tools
