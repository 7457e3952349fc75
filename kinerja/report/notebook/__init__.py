"""How a notebook becomes a report: parameters checked, cells run in a kernel or in a fork of a warm process."""
