"""Hand-chosen substitutes for words that captions use most and for which WordNet lists none in common use.

Each may stand for its word in a caption without changing what the picture shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NOUNS = """
man: guy, gentleman
woman: lady
person: individual
people: folks
boy: lad
girl: young lady
child: kid, youngster
kid: child, youngster
baby: infant
toddler: small child, tot
guy: man
lady: woman
crowd: throng
friend: companion, pal
dog: canine
puppy: young dog
cat: feline
kitten: young cat
horse: steed
cow: bovine
pig: hog
rabbit: bunny
bunny: rabbit
rooster: cockerel
hippopotamus: hippo
rhinoceros: rhino
alligator: gator
car: automobile
truck: lorry
bus: coach
taxi: cab, taxicab
bicycle: bike
bike: bicycle
motorcycle: motorbike
motorbike: motorcycle
airplane: plane, aeroplane
plane: airplane, aircraft
helicopter: chopper
ship: vessel
boat: vessel
sailboat: sailing boat
delivery truck: delivery van
photo: picture, photograph
picture: photo, image
image: picture
photograph: picture
television: TV
tv: television
telephone: phone
cellphone: mobile phone
cell phone: mobile phone
laptop: notebook computer
refrigerator: fridge
fridge: refrigerator
couch: sofa
sofa: couch
house: home
road: roadway
sidewalk: pavement
store: shop
shop: store
ocean: sea
sea: ocean
beach: seashore
shore: coast
hill: slope
rock: stone
stone: rock
field: meadow
yard: garden
garbage: trash
trash: garbage
t-shirt: tee shirt
shirt: top
hat: cap
coat: jacket
jacket: coat
pants: trousers
trousers: pants
dress: gown
glasses: spectacles
sunglasses: shades
sneaker: trainer
backpack: rucksack, knapsack
bag: sack
umbrella: parasol
bucket: pail
flashlight: torch
broom: sweeper
spoon: tablespoon
axe: hatchet
wrench: spanner
padlock: lock
syringe: hypodermic needle
alarm clock: bedside clock
hourglass: sandglass
light bulb: lamp bulb
telescope: spyglass
laptop computer: notebook computer
violin: fiddle
saxophone: sax
accordion: squeeze box
doughnut: donut
hamburger: burger
burger: hamburger
french fries: chips
eggplant: aubergine
croissant: crescent roll
potato: spud
snake: serpent
teapot: tea jug
teddy bear: stuffed bear
hospital: clinic
skyscraper: high-rise
path: trail
trail: path
mountain: peak
picture frame: photo frame
building: structure
city: town
"""
_VERBS = """
jump: leap
leap: jump
walk: stroll
run: dash
look: gaze
throw: toss
toss: throw
grab: seize
smile: grin
shout: yell
talk: chat
build: construct
repair: fix
fix: repair
start: begin
begin: start
pull: tug
hug: embrace
"""
_ADJECTIVES = """
large: big
big: large
small: little
little: small
tiny: very small
huge: enormous
young: youthful
old: aged
elderly: old
beautiful: lovely
pretty: lovely
cute: adorable
happy: cheerful
fast: quick
quick: fast
grassy: grass-covered
snowy: snow-covered
sandy: sand-covered
muddy: mud-covered
rocky: stony
wooden: timber
colorful: multicolored
shirtless: bare-chested
wet: soaked
empty: vacant
crowded: packed
dirty: grimy
blond: fair-haired
blonde: fair-haired
"""


def _read(listed: str, pos: str) -> dict[tuple[str, str], tuple[str, ...]]:
    lines = (line.split(": ") for line in listed.strip().splitlines())
    return {(word, pos): tuple(others.split(", ")) for word, others in lines}


#: (lemma, part of speech) -> substitutes, base forms.
EVERYDAY: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    _read(_NOUNS, "n") | _read(_VERBS, "v") | _read(_ADJECTIVES, "a")
)
