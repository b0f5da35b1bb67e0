// SPDX-License-Identifier: MIT
// Copies a file of trades to standard output and puts 100 damaged lines in between.

#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

std::vector<std::string> damaged_lines() {
    using namespace std::string_literals; // literals with a NUL inside
    return {
        // fields that are missing or too many
        ""s,
        " "s,
        "no trade at all"s,
        ","s,
        ",,,,"s,
        "14400614"s,
        "14400614,BAC"s,
        "14400614,BAC,13.9400"s,
        "14400614,BAC,13.9400,500"s,
        "14400614,BAC,13.9400,500,"s,
        "14400614,BAC,13.9400,,P"s,
        "14400614,BAC,,500,P"s,
        "14400614,,13.9400,500,P"s,
        ",BAC,13.9400,500,P"s,
        "14400614,BAC,13.9400,500,P,"s,
        "14400614,BAC,13.9400,500,P,500"s,
        "14400614,BAC,13.9400,500,P,IBM,182.5000,100,P"s,
        "14400614;BAC;13.9400;500;P"s,
        "time_ms,symbol,price,size,exchange"s,
        // numbers
        "14400614,BAC,13.94x0,500,P"s,
        "14400614,BAC,x13.9400,500,P"s,
        "14400614,BAC,-13.9400,500,P"s,
        "14400614,BAC,+13.9400,500,P"s,
        "14400614,BAC,0.0000,500,P"s,
        "14400614,BAC,13.,500,P"s,
        "14400614,BAC,.9400,500,P"s,
        "14400614,BAC,13..94,500,P"s,
        "14400614,BAC,13.-940,500,P"s,
        "14400614,BAC,13.94001,500,P"s,
        "14400614,BAC,1.394e1,500,P"s,
        "14400614,BAC,0x1p3,500,P"s,
        "14400614,BAC,nan,500,P"s,
        "14400614,BAC,13.9400,-500,P"s,
        "14400614,BAC,13.9400,+500,P"s,
        "14400614,BAC,13.9400,0,P"s,
        "14400614,BAC,13.9400, 500,P"s,
        "14400614,BAC,13.9400,500.0,P"s,
        "-14400614,BAC,13.9400,500,P"s,
        "noon,BAC,13.9400,500,P"s,
        // too long
        "14400614,BAC,1000000.0000,500,P"s,
        "14400614,BAC,18446744073709551616.0000,500,P"s,
        "14400614,BAC," + std::string(5'000, '9') + ".0000,500,P",
        "14400614,BAC,13.9400,1000000000,P"s,
        "14400614,BAC,13.9400,18446744073709552116,P"s,
        "14400614,BAC,13.9400," + std::string(100'000, '0') + "x,P",
        "99999999999999999999,BAC,13.9400,500,P"s,
        "14400614,BACBACBAC,13.9400,500,P"s,
        "14400614,BAC,13.9400,500,PQRST"s,
        std::string(100'000, ','),
        // characters that have no business there
        "14400614,BAC\0,13.9400,500,P"s,
        "14400614,BAC,13.9400\0,500,P"s,
        "14400614,BAC,13.9400,500\0,P"s,
        "14400614,BAC,13.9400,500,P\0"s,
        "\0"s,
        "14400614,\033[2J,13.9400,500,P"s,
        "14400614,BAC,13.9400,500,P\r"s,
        "14400614,BAC,13.9400,500,P and so on"s,
        "14400614,bac,13.9400,500,P"s,
        "14400614,B\xC3\x84,13.9400,500,P"s,
        "14400614,B\xFF\xFE,13.9400,500,P"s,
        "\xEF\xBB\xBF"
        "14400614,BAC,13.9400,500,P"s,
        "14400614,BAC,13.9400,500,P\t"s,
        "%s%s%n,%s,%s,%s,%s"s,
    };
}

} // namespace

int main(int count, char* arguments[]) {
    std::ifstream trades(count == 2 ? arguments[1] : "");
    const std::vector<std::string> damaged = damaged_lines();
    std::size_t inserted = 0;
    std::size_t number = 0;
    for (std::string line; std::getline(trades, line);) {
        std::cout << line << '\n';
        if (number++ % 1'370 == 0 && inserted < 100) { // the first one right after the header
            std::cout << damaged[inserted++ % damaged.size()] << '\n';
        }
    }
    return std::cout.flush() && inserted == 100 ? 0 : 1;
}
