// SPDX-License-Identifier: MIT
#pragma once

// What the programs of this process have really said: a word that no program comes to finds
// nothing.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace faf_fuzz {

/// A kind of words, of which each has a number.
enum class words : std::uint8_t {
    step,        ///< of the main thread
    modest_step, ///< of the helper
    task,        ///< made, of each kind
    ended,       ///< the same, run to its end
    repeated,    ///< made: a plain one, one with an owner
    handle,      ///< what was done with one
    told,        ///< what that had for a result
    level,       ///< of a stack of executors, each kind
    depth,       ///< of such a stack
};

/// How many there are of each.
inline constexpr std::array<std::size_t, 9> words_of_kind{36, 12, 32, 32, 2, 4, 4, 4, 3};

inline std::array<std::array<std::atomic<std::uint64_t>, 36>, words_of_kind.size()> words_said{};

inline void note_word(words kind, std::size_t number) noexcept {
    words_said[static_cast<std::size_t>(kind)][number].fetch_add(1, std::memory_order_relaxed);
}

/// Which were not said, as "kind/number" each.
inline std::string unsaid_words() {
    std::string all;
    for (std::size_t kind = 0; kind < words_said.size(); ++kind) {
        for (std::size_t number = 0; number < words_of_kind[kind]; ++number) {
            const bool never_ends = kind == static_cast<std::size_t>(words::ended) &&
                                    (number == 6 || number == 7); // those are refused
            if (words_said[kind][number] == 0 && !never_ends) {
                all += std::to_string(kind) + "/" + std::to_string(number) + " ";
            }
        }
    }
    return all;
}

} // namespace faf_fuzz
