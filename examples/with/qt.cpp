// SPDX-License-Identifier: MIT
// Work in the background, its result back in the main thread: Qt's event loop is an executor, too.

#include <fire_and_forget/fire_and_forget.hpp>

#include <QCoreApplication>
#include <QMetaObject>
#include <QObject>
#include <QThread>

#include <cstdio>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

using faf::fire_and_forget;

/// Runs jobs in the thread in which `receiver` lives, which must have an event loop.
class in_thread_of {
public:
    explicit in_thread_of(QObject& receiver) : receiver_(&receiver) {}

    void execute(faf::job job) const {
        // Qt copies what it is given; if the receiver is gone, the job is reported as abandoned.
        const auto shared = std::make_shared<faf::job>(std::move(job));
        QMetaObject::invokeMethod(
            receiver_, [shared] { (*shared)(); }, Qt::QueuedConnection);
    }

private:
    QObject* receiver_;
};

int main(int argc, char** argv) {
    QCoreApplication app(argc, argv);
    const in_thread_of main_thread(app);

    fire_and_forget([main_thread] {
        std::vector<long> many(1'000);
        std::iota(many.begin(), many.end(), 1L);
        const long sum = std::accumulate(many.begin(), many.end(), 0L);
        fire_and_forget(main_thread, [sum] { // as a window would show it
            const bool is_main = QThread::currentThread() == QCoreApplication::instance()->thread();
            std::printf("%ld, in the %s thread\n", sum, is_main ? "main" : "wrong");
            QCoreApplication::quit();
        });
    });
    return QCoreApplication::exec();
}

// Prints:
//   500500, in the main thread
