"""The `lexclip` command; the libraries a command needs are imported when it runs, so that --help is quick."""
