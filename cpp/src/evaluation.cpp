// Arrives with its branch.
