"""The two relay processes of a picture's road: at the city that gives it and at the centre that receives it."""
