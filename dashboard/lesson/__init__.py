"""A lesson: its file, its stops, and the numbers in its answers. Loaded when a lesson is open.

ask              Ask: what a stop asks its readers, from the lines of its file
ballots          the rooms that vote, in the server's memory
bar              what stands beside every page of an open lesson
check_numbers    numbers of the ladder, of contours, and of networks that have forgotten
file             Lesson: parsed from Markdown, with what is wrong in it
known_numbers    numbers of a planted mark, and of the maps that must find it
map_numbers      numbers of maps, of two sides, and of the causes of their difference
picture_numbers  Number; numbers of the picture and of what the network says
said             a reader's answer beside the computed one
shelf            the lessons on offer, and which stops name what this server does not have
vocabulary       all numbers by name, and answers filled with them
vote_host        a room in the rail: QR code, address, the number of votes
vote_phone       the page of a phone
vote_result      what a room has voted, as bars, a score and dots
"""
