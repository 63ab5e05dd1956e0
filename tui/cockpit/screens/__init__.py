"""The screens of the cockpit, a file each."""
