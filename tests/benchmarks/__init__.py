"""Speed of replay; see docs/performance.md. Run by `make bench`, never by `make test`."""
