"""WordNet 3.0: installed once, read into frozen tables, queried without NLTK."""
