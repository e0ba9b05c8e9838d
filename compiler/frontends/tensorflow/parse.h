// Protobuf's own parser, on bytes that nobody vouched for.
#pragma once

#include <cstddef>
#include <span>

namespace google::protobuf {
class Message;
}

namespace mlqc::tensorflow {

// False when the bytes are damaged, or hold so many tiny fields that parsing them would take many times their
// size.
bool parse(std::span<const std::byte> bytes, google::protobuf::Message& message);

}  // namespace mlqc::tensorflow
