"""`make mutants`: what the suite catches, measured with faults planted one line at a time."""
