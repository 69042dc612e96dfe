"""Score pairs.jsonl by our recipe, or by the least anybody can do; print the rate and the seconds of processor time."""

import json
import sys
import time
from pathlib import Path

pairs = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
if sys.argv[2] == "bare":
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    normalise = EnglishTextNormalizer()
    began = time.process_time()
    references = [normalise(pair["reference"]) for pair in pairs]
    predictions = [normalise(pair["prediction"]) for pair in pairs]
    rate = 100 * jiwer.process_words(references, predictions).wer
    print(json.dumps({"rate": rate, "score_s": time.process_time() - began}))
else:
    import numpy as np

    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.leaderboard.statistics.intervals import intervals
    from audiobench_pytest.metrics.item import Item
    from audiobench_pytest.metrics.recipes import Recipe

    recipe = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@1"))
    recipe.score(Item("warm", "up"))
    began = time.process_time()
    scores = [recipe.score(Item(pair["reference"], pair["prediction"], id=pair["id"])) for pair in pairs]
    scored = time.process_time()
    columns = {name: np.array([score.numbers.get(name, 0.0) for score in scores]) for name in scores[0].numbers}
    rate = float(recipe.values({name: np.array(column.sum()) for name, column in columns.items()})["wer"])
    low, high = intervals(columns, recipe.values)["wer"]
    assert low < rate < high
    print(json.dumps({"rate": rate, "score_s": scored - began, "reduce_s": time.process_time() - scored}))
