"""What every other room stands on: errors, frozen results, statistics, words, memory, devices, files."""
