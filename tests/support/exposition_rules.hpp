// SPDX-License-Identifier: MIT
#pragma once

// Reads Prometheus's text format, version 0.0.4, as strictly as promtool's check does, and says
// what is wrong with a text.

#include <cctype>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

namespace faf_test {

class exposition_rules {
public:
    /// What is wrong with `text`, a line for each; empty if nothing is.
    static std::string broken_in(const std::string& text) {
        exposition_rules rules;
        rules.read(text);
        return rules.complaints_;
    }

private:
    void read(const std::string& text) {
        if (!text.empty() && text.back() != '\n') {
            complain("the last line has no end", text);
        }
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("# HELP ")) {
                read_help(line, std::string_view(line).substr(7));
            } else if (line.starts_with("# TYPE ")) {
                read_type(line, std::string_view(line).substr(7));
            } else {
                read_sample(line);
            }
        }
        end_of_metric();
    }

    void read_help(const std::string& line, std::string_view rest) {
        end_of_metric();
        metric_ = word(rest);
        if (!is_name(metric_) || !seen_.insert(metric_).second) {
            complain("no metric, or one that was there before", line);
        }
        if (rest.empty()) {
            complain("it does not say what the metric is", line);
        }
    }

    void read_type(const std::string& line, std::string_view rest) {
        if (word(rest) != metric_ || !type_.empty()) {
            complain("the type does not follow the help", line);
        }
        type_ = rest;
        if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") {
            complain("no type", line);
        }
        if ((type_ == "counter") != metric_.ends_with("_total")) {
            complain("counters, and only they, end in _total", line);
        }
        samples_ = 0;
    }

    void read_sample(const std::string& line) {
        ++samples_;
        std::string_view rest = line;
        const std::string name(rest.substr(0, rest.find_first_of("{ ")));
        rest.remove_prefix(name.size());
        std::map<std::string, std::string> labels;
        if (rest.starts_with('{') && !read_labels(rest, labels)) {
            complain("labels", line);
        }
        if (!series_.insert(line.substr(0, line.size() - rest.size())).second) {
            complain("the series was there before", line);
        }
        const std::optional<double> value =
            rest.starts_with(' ') ? number(rest.substr(1)) : std::nullopt;
        if (!value || *value < 0) {
            complain("the value", line);
        } else if (!name.starts_with(metric_) || type_.empty()) {
            complain("a sample of another metric", line);
        } else {
            check(name.substr(metric_.size()), labels, *value, line);
        }
    }

    void check(const std::string& suffix, std::map<std::string, std::string>& labels, double value,
               const std::string& line) {
        if (type_ != "histogram") {
            if (!suffix.empty() || labels.count("le") > 0) {
                complain("a sample of another metric", line);
            }
            return;
        }
        if (suffix == "_bucket") {
            const std::string le = labels["le"];
            if (is_closed_ || value < count_ || (le != "+Inf" && number(le).value_or(-1) <= le_)) {
                complain("buckets do not grow", line);
            }
            is_closed_ = le == "+Inf";
            le_ = is_closed_ ? -1 : number(le).value_or(-1);
            count_ = value;
        } else if (suffix == "_count") {
            if (!is_closed_ || value != count_) {
                complain("the count is not that of the last bucket", line);
            }
            is_closed_ = false;
            count_ = 0;
        } else if (suffix != "_sum") {
            complain("a sample of another metric", line);
        }
    }

    void end_of_metric() {
        if (!metric_.empty() && (type_.empty() || samples_ == 0)) {
            complain("no type or no samples", metric_);
        }
        type_.clear();
    }

    /// Takes them off `rest`.
    static bool read_labels(std::string_view& rest, std::map<std::string, std::string>& labels) {
        do {
            rest.remove_prefix(1);
            const std::size_t end = rest.find("=\"");
            if (end == std::string_view::npos) {
                return false;
            }
            const std::string name(rest.substr(0, end));
            rest.remove_prefix(end + 2);
            std::string value;
            for (; !rest.empty() && rest.front() != '"'; rest.remove_prefix(1)) {
                if (rest.front() == '\\') {
                    rest.remove_prefix(1);
                    if (rest.empty() ||
                        std::string_view("\\\"n").find(rest.front()) == std::string_view::npos) {
                        return false;
                    }
                }
                value += rest.front();
            }
            if (!is_name(name) || rest.empty() || !labels.emplace(name, value).second) {
                return false;
            }
            rest.remove_prefix(1);
        } while (rest.starts_with(','));
        if (!rest.starts_with('}')) {
            return false;
        }
        rest.remove_prefix(1);
        return true;
    }

    static bool is_name(std::string_view text) {
        for (const char one : text) {
            if (one != '_' && std::isalnum(static_cast<unsigned char>(one)) == 0) {
                return false;
            }
        }
        return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) == 0;
    }

    /// Digits with at most one point among them.
    static std::optional<double> number(std::string_view text) {
        double value = 0;
        double place = 0;
        for (const char one : text) {
            if (one == '.' && place == 0 && &one != text.data()) {
                place = 1;
            } else if (std::isdigit(static_cast<unsigned char>(one)) != 0) {
                place /= 10;
                const double digit = one - '0';
                value = place > 0 ? value + digit * place : value * 10 + digit;
            } else {
                return std::nullopt;
            }
        }
        return text.empty() ? std::nullopt : std::optional<double>(value);
    }

    /// Takes it off `rest`, with the space behind it.
    static std::string word(std::string_view& rest) {
        const std::size_t end = rest.find(' ');
        const std::string taken(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        return taken;
    }

    void complain(const char* what, std::string_view where) {
        complaints_.append(what).append(": ").append(where).append("\n");
    }

    std::string complaints_;
    std::set<std::string> seen_;
    std::set<std::string> series_;
    std::string metric_;
    std::string type_;
    int samples_ = 0;
    double le_ = -1; // of the bucket before
    double count_ = 0;
    bool is_closed_ = false; // by the last bucket, until the count
};

} // namespace faf_test
