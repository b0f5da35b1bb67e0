# Draws the walk of one call, for the README:
#
#   awk -f tests/bench/walk.awk >tests/bench/results/walk.svg
#
# It names ideas and no files, so that it stays true. Lines of a text are divided by |.

# Words in <colour>, each line below the one before.
function write(x, y, size, weight, colour, text,    line, n, i) {
    n = split(text, line, "|")
    for (i = 1; i <= n; ++i) {
        gsub(/&/, "\\&amp;", line[i])
        gsub(/</, "\\&lt;", line[i])
        printf "<text x=\"%d\" y=\"%d\" font-size=\"%s\" font-weight=\"%s\" fill=\"%s\">%s</text>\n", \
            x, y + (i - 1) * size * 1.35, size, weight, colour, line[i]
    }
}

function rectangle(x, y, width, height, stroke, fill) {
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" stroke=\"%s\" stroke-width=\"2\" " \
        "fill=\"%s\"/>\n", x, y, width, height, stroke, fill
}

# What happens on one thread, one after the other.
function thread(y, name, colour, tint) {
    printf "<rect x=\"0\" y=\"%d\" width=\"960\" height=\"166\" fill=\"%s\"/>\n", y, tint
    write(left, y + 24, 14, "normal", colour, name)
}

function step(column, y, colour, title, text) {
    rectangle(at(column), y, width, height, colour, "#ffffff")
    write(at(column) + 12, y + 25, 15, "bold", colour, title)
    write(at(column) + 12, y + 47, 12, "normal", ink, text)
}

# A line through the points, with an arrowhead.
function arrow(colour, dashes, points) {
    printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\" " \
        "marker-end=\"url(#%s)\"/>\n", points, colour, dashes, "head" substr(colour, 2)
}

function head(colour) {
    printf "<marker id=\"head%s\" markerWidth=\"9\" markerHeight=\"9\" refX=\"8\" refY=\"4.5\" orient=\"auto\" " \
        "markerUnits=\"userSpaceOnUse\"><path d=\"M0,0 L9,4.5 L0,9 z\" fill=\"%s\"/></marker>\n", \
        substr(colour, 2), colour
}

function at(column) { return left + (column - 1) * (width + gap) }

# The arrow from one step to the next.
function next_step(column, y, colour) {
    arrow(colour, "none", sprintf("%d,%d %d,%d", at(column) + width, y + height / 2, at(column + 1) - 1, \
        y + height / 2))
}

BEGIN {
    left = 22; width = 208; gap = 28; height = 112
    red = "#d00020"; blue = "#1f5fa8"; ink = "#202020"; grey = "#606060"
    above = 84; below = 378 # where the steps of the two threads begin

    print "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"508\" viewBox=\"0 0 960 508\" " \
        "font-family=\"sans-serif\">"
    print "<title>The walk of one call</title>"
    print "<defs>"
    head(red); head(blue); head(grey)
    print "</defs>"
    print "<rect width=\"960\" height=\"508\" fill=\"#ffffff\"/>"
    printf "<text x=\"480\" y=\"30\" font-size=\"17\" text-anchor=\"middle\" fill=\"%s\">%s</text>\n", ink, \
        "The walk of one call"

    thread(above - 36, "The thread that fires", red, "#fceff0")
    thread(below - 36, "A worker of the pool", blue, "#eaf1fa")

    step(1, above, red, "fire_and_forget(fn)", \
        "The compiler checks the call,|and its place in the source|is noted.")
    step(2, above, red, "lane", \
        "The queue that this thread|has in the pool. fn and its|arguments go into the next|slot: no lock, no allocation.")
    step(3, above, red, "doorbell", \
        "One load: must somebody be|woken? Only if a worker|sleeps and none is looking.")
    step(4, above, red, "submission", \
        "Accepted, or refused and why.|The call returns; it throws|nothing, and fn may not even|have begun.")
    for (i = 1; i <= 3; ++i) next_step(i, above, red)

    step(2, below, blue, "worker", \
        "Looks through the lanes and|takes the oldest task of one,|high priorities first. Sleeps|when all are empty.")
    step(3, below, blue, "run", \
        "Calls fn where it lies and|empties the slot. Here ends|what fn throws or returns|as an error.")
    step(4, below, blue, "error sink", \
        "Only for a failure: first the|task's sink, then the pool's,|the global one, at last a line|on standard error.")
    next_step(2, below, blue); next_step(3, below, blue)
    write(left, below + 20, 12, "normal", grey, \
        "Every task has one fate:|it succeeded, it failed, or|it was dropped, and it is|counted as that.")

    # The slots of the lane.
    middle = at(2) + 62
    for (i = 0; i < 4; ++i) {
        y = above + height + 26 + i * 30
        printf "<rect x=\"%d\" y=\"%d\" width=\"60\" height=\"24\" rx=\"3\" stroke=\"%s\" fill=\"%s\"/>\n", \
            middle - 30, y, grey, i == 0 ? "#f3c3c9" : "#e4e4e4"
        printf "<text x=\"%d\" y=\"%d\" font-size=\"12\" text-anchor=\"middle\" fill=\"%s\">%s</text>\n", \
            middle, y + 17, ink, i == 0 ? "fn" : "task"
    }
    arrow(red, "none", sprintf("%d,%d %d,%d", middle, above + height, middle, above + height + 25))
    arrow(blue, "none", sprintf("%d,%d %d,%d", middle, above + height + 141, middle, below - 1))
    write(left, above + height + 64, 12, "normal", grey, \
        "First in, first out. No other|thread stores here, so there|is nothing to agree on.")

    # The bell.
    arrow(red, "6,4", sprintf("%d,%d %d,%d %d,%d %d,%d", at(3) + 60, above + height, at(3) + 60, \
        above + height + 76, at(2) + 166, above + height + 76, at(2) + 166, below - 1))
    write(at(3) + 72, above + height + 64, 12, "normal", grey, \
        "wakes one worker by a system call;|the busier the pool, the rarer")
    print "</svg>"
}
