"""A stand-in for a model of your own: it says the same to every clip."""


class Echo:
    """Answers without listening; a real one would load weights and use `request["samples"]`."""

    batch_rows = 4

    def load(self, args):
        """Take what it says from `--model-args says=...`."""
        self.says = args.get("says", "yes please")
        return {"kind": "a stand-in"}

    def generate(self, batch):
        """Answer each request."""
        return [self.says for _ in batch]
