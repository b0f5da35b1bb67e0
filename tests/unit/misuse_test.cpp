// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/submit/misuse.hpp>

#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/own_thread.hpp>
#include <fire_and_forget/thread_pool.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

using namespace faf::detail;

namespace {

struct account {
    int balance = 0;
    void add(int);
};

struct move_only {
    move_only() = default;
    move_only(move_only&&) = default;
    void operator()() const;
};

using takes_reference = void (*)(int&);
using takes_number = void (*)(int);

// What can be fired
static_assert(find_misuse<void (&)(int), int>() == misuse::none);
static_assert(find_misuse<takes_number, short&>() == misuse::none);
static_assert(find_misuse<void (account::*)(int), account*, int>() == misuse::none);
static_assert(find_misuse<void (account::*)(int), account&, int>() == misuse::none);
static_assert(find_misuse<int account::*, std::shared_ptr<account>&>() == misuse::none);
static_assert(find_misuse<move_only>() == misuse::none);
static_assert(find_misuse<takes_reference, std::reference_wrapper<int>>() == misuse::none);
static_assert(find_misuse<void (*)(std::string), const char (&)[6]>() == misuse::none);

// What can't, and the first thing that is wrong with it
static_assert(find_misuse<move_only&>() == misuse::fn_not_copyable);
static_assert(find_misuse<const move_only&>() == misuse::fn_not_copyable);
static_assert(find_misuse<void (*)(std::unique_ptr<int>), std::unique_ptr<int>&>() ==
              misuse::argument_not_copyable);
static_assert(find_misuse<takes_reference, int&>() == misuse::argument_by_reference);
static_assert(find_misuse<takes_number, std::string>() == misuse::not_callable);
static_assert(find_misuse<takes_number>() == misuse::not_callable);
static_assert(find_misuse<int>() == misuse::not_callable);
static_assert(find_misuse<void (*)(faf::detail::stop_token, int), int>() == misuse::none);
static_assert(find_misuse<void (*)(faf::detail::stop_token, int), int, int>() ==
              misuse::not_callable);
static_assert(find_misuse<void (account::*)(faf::detail::stop_token), account*>() ==
              misuse::member_takes_stop_token);
static_assert(find_misuse<void (account::*)(faf::detail::stop_token), account*, int>() ==
              misuse::not_callable);

// A pointer to the elements of a variable; a literal lives as long as the program.
using takes_text = void (*)(const char*);
static_assert(find_misuse<takes_text, char (&)[6]>() == misuse::argument_is_array);
static_assert(find_misuse<takes_text, char (&&)[6]>() == misuse::argument_is_array);
static_assert(find_misuse<takes_number, int (&)[2][2]>() == misuse::argument_is_array);
static_assert(find_misuse<takes_text, const char (&)[6]>() == misuse::none);
static_assert(find_misuse<takes_text, char*>() == misuse::none);
static_assert(find_misuse<void (*)(std::array<char, 6>), std::array<char, 6>&>() == misuse::none);

// What stands in another's place.
using faf::thread_pool;
static_assert(find_misuse<thread_pool*>() == misuse::executor_by_address);
static_assert(find_misuse<std::unique_ptr<thread_pool>&, void (*)()>() ==
              misuse::executor_by_address);
static_assert(find_misuse<const faf::own_thread_t*, void (*)()>() == misuse::executor_by_address);
static_assert(find_misuse<const thread_pool&, void (*)()>() == misuse::executor_const);
using latest_only = faf::conflating_executor<int>;
static_assert(find_misuse<latest_only&, void (*)()>() == misuse::executor_without_key);
static_assert(find_misuse<void (*)(), thread_pool&>() == misuse::executor_not_first);
static_assert(find_misuse<takes_number, int, const faf::own_thread_t&>() ==
              misuse::executor_not_first);
static_assert(find_misuse<void (*)(thread_pool&), std::reference_wrapper<thread_pool>>() ==
              misuse::none);
static_assert(find_misuse<void (*)(faf::own_thread_t), const faf::own_thread_t&>() == misuse::none);
static_assert(find_misuse<std::chrono::seconds, void (*)()>() == misuse::option_without_braces);
static_assert(find_misuse<faf::priority, void (*)()>() == misuse::option_without_braces);
static_assert(find_misuse<const char (&)[5], void (*)()>() == misuse::option_without_braces);
static_assert(find_misuse<void (*)(), faf::options>() == misuse::options_not_first);
static_assert(find_misuse<void (*)(faf::options), faf::options&>() == misuse::none);

} // namespace
