"""The numpy specification of every operation: slow, plain, and independent of what it checks."""
