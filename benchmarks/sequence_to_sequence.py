"""What decoders of tokens score: dates with attention and without it, and what else is shipped, beside baselines.

    python benchmarks/sequence_to_sequence.py dates                          # about 15 minutes on two cores
    python benchmarks/sequence_to_sequence.py digit_captions                 # about ten
    RNNLAB_DATA_DIR=... python benchmarks/sequence_to_sequence.py names      # about four
    RNNLAB_DATA_DIR=... python benchmarks/sequence_to_sequence.py multi30k   # up to an hour and a half

Each row is a shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/NAME.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

from rows import FoldsTable, Table, make_named_table

ALONE = "model.decoder.attention=none"


TABLES: dict[str, Table | FoldsTable] = {
    "dates": Table(
        "dates",
        "Dates into YYYY-MM-DD, on dates that training has not seen",
        ("exact_match", "token_accuracy"),
        (0, 1, 2),
        {
            "attention, luong (the shipped spec)": (),
            "attention, bahdanau": ("model.decoder.attention=bahdanau",),
            "no attention": (ALONE,),
        },
        {"greedy": ()},
    ),
    "names": Table(
        "names",
        "Surnames, given a nationality; of names that training has not seen, nats a character",
        ("negative_log_likelihood", "perplexity"),
        (0, 1, 2),
        {"the shipped spec": ()},
        {"greedy": ()},
    ),
    "digit_captions": Table(
        "digit_captions",
        "Captions of pictures of digits that training has not seen",
        ("exact_match", "token_accuracy"),
        (0, 1, 2),
        {"the shipped spec": ()},
        {"greedy": ()},
    ),
    "multi30k": Table(
        "multi30k_de_en",
        "Multi30k, German to English, test_2016_flickr",
        ("bleu", "chrf", "perplexity"),
        (0,),
        {"attention, luong, input feeding (the shipped spec)": ()},
        {"greedy": (), "beam 5": ("task.search.beam=5", "task.search.length_penalty=1.0")},
    ),
}


if __name__ == "__main__":
    make_named_table("sequence_to_sequence", "Score decoders of tokens.", TABLES)
