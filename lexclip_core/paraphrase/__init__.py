"""Captions -> paraphrases in two steps: prompts, providers, quality."""

from lexclip_core.paraphrase.provider import Caption, Failure, Made, Outcome, Provider, make_records
from lexclip_core.paraphrase.rules import RuleProvider

__all__ = ["Caption", "Failure", "Made", "Outcome", "Provider", "RuleProvider", "make_records"]
