// The process that reads an HDF5 file for us, and the bytes that it sends.
//
// A stream of records, numbers being 8 bytes, texts and lists counted:
//   'T' path, texts          an attribute
//   'P' path, type, shape, offset          numbers that lie at an offset of the file
//   'N' path, type, shape, padding to 8, bytes     numbers that were converted, unpacked or gathered
//   'E' text                 what is wrong
//   'Z'                      the end; without it the process died
#pragma once

#include <cstddef>
#include <span>

namespace mlqc::keras {

enum class Record : char {
  texts = 'T',
  place = 'P',
  numbers = 'N',
  error = 'E',
  end = 'Z',
};

// Bytes of all that may be sent for a file.
constexpr std::size_t budget_for(std::size_t file) { return 2 * file + (std::size_t{1} << 20); }

// Reads the file with libhdf5 and writes the stream; for use in a child process only.
void send_hdf5(std::span<const std::byte> file, int stream) noexcept;

}  // namespace mlqc::keras
