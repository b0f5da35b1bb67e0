// SPDX-License-Identifier: MIT
// Every C++ block of the README must stand in an example, line by line but for indentation: what
// users copy has been compiled and run.
// usage: readme_blocks README.md EXAMPLES-DIRECTORY

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

/// The next line without white space at its ends.
bool next_line(std::istream& from, std::string& line) {
    if (!std::getline(from, line)) {
        return false;
    }
    line.erase(0, line.find_first_not_of(" \t"));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    return true;
}

std::string read_examples(const std::filesystem::path& directory) {
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
        if (file.path().extension() == ".cpp") {
            std::ifstream source(file.path());
            for (std::string line; next_line(source, line);) {
                all += line + '\n';
            }
        }
    }
    return all;
}

} // namespace

int main(int count, char* arguments[]) {
    if (count != 3) {
        std::cerr << "usage: readme_blocks README.md EXAMPLES-DIRECTORY\n";
        return 2;
    }
    const std::string examples = read_examples(arguments[2]);
    std::ifstream readme(arguments[1]);
    int blocks = 0;
    int strangers = 0;
    for (std::string line; next_line(readme, line);) {
        if (line != "```cpp") {
            continue;
        }
        std::string block;
        while (next_line(readme, line) && line != "```") {
            block += line + '\n';
        }
        ++blocks;
        if (examples.find(block) == std::string::npos) {
            ++strangers;
            std::cerr << "not in any example:\n" << block;
        }
    }
    std::cout << blocks << " blocks, " << strangers << " not in an example\n";
    return blocks > 0 && strangers == 0 ? 0 : 1;
}
