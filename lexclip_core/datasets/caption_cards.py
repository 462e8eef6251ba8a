"""The caption sets of the papers: where they come from, under which terms, how large they are."""

from __future__ import annotations

from lexclip_core.datasets.card import Card

CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name="coco",
            title="COCO captions",
            rows=5_000,
            scale="five or more captions a picture",
            reference="Chen et al. (2015), Microsoft COCO captions: data collection and evaluation server",
            source="https://cocodataset.org/#download (val2017 pictures, 2017 train/val annotations); "
            "Karpathy's parts: https://cs.stanford.edu/people/karpathy/deepimagesent/",
            licence="annotations CC BY 4.0; pictures under each one's own Flickr licence",
            files=("dataset_coco.json", "annotations/captions_val2017.json", "val2017/*.jpg"),
            warning="rows counts val2017; Karpathy's test part, which papers report, is another 5,000",
        ),
        Card(
            name="flickr8k",
            title="Flickr8k",
            rows=8_091,
            scale="five captions a picture",
            reference="Hodosh et al. (2013), Framing image description as a ranking task",
            source="https://hockenmaier.cs.illinois.edu/Framing_Image_Description/KCCA.html",
            licence="non-commercial research and education, by the form of the authors",
            files=("dataset_flickr8k.json", "Flickr8k.token.txt", "captions.txt", "Images/*.jpg"),
            warning="its test part has 1,000 pictures; captions of one picture are much alike",
        ),
        Card(
            name="flickr30k",
            title="Flickr30k",
            rows=31_783,
            scale="five captions a picture",
            reference="Young et al. (2014), From image descriptions to visual denotations",
            source="https://shannon.cs.illinois.edu/DenotationGraph/",
            licence="non-commercial research and education, by the form of the authors",
            files=(
                "dataset_flickr30k.json",
                "results_20130124.token",
                "results.csv",
                "flickr30k-images/*.jpg",
            ),
            warning="papers report Karpathy's test part, 1,000 pictures",
        ),
    )
}
