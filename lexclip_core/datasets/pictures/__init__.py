"""Sets of pictures with named classes: readers, features, and one registry of sources."""
