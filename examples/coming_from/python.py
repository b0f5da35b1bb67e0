# SPDX-License-Identifier: MIT
import threading

loaded = set()


def load(name):
    try:  # else a traceback is printed, and nobody else hears of it
        if name == "b":
            raise FileNotFoundError("there is no file b")
        loaded.add(name)
    except FileNotFoundError as error:
        print("failed:", error)


threads = [threading.Thread(target=load, args=name, daemon=True) for name in ("a", "b", "c")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()  # a daemon thread that is not joined is lost at the end of the program
for name in sorted(loaded):
    print("loaded", name)
