"""The report's own sections: those that look over several results at once, and those of one unit, reader or review."""
