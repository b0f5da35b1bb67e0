// SPDX-License-Identifier: MIT
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const loaded = new Set();

async function load(name) {
    await later(10);
    if (name === "b") {
        throw new Error("there is no file b");
    }
    loaded.add(name);
}

const all = ["a", "b", "c"].map((name) =>
    load(name).catch((error) => console.log("failed:", error.message))); // else it ends the program
Promise.all(all).then(() => {
    for (const name of [...loaded].sort()) {
        console.log("loaded", name);
    }
});
