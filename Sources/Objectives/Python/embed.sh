#!/bin/sh
# Writes the Python client into a Swift constant, since the binary carries it. Run after each change of
# needletail.py; a test compares the two.
set -eu
cd "$(dirname "$0")"
{
  cat <<'HEAD'
// Made by Python/embed.sh from Python/needletail.py; change that file and run the script.

extension PythonClient {
  /// The text of needletail.py.
  static let source = ##"""
HEAD
  sed 's/^\(..*\)$/    \1/' needletail.py
  cat <<'TAIL'

    """##
}
TAIL
} > ../PythonClient+Source.swift
