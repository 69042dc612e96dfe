"""The plan and the loop that answers it; knows no pytest."""
