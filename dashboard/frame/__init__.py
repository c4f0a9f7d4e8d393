"""The frame around every page; it knows no topic.

context_line  the line above every page
check_up      the problems of the model, and the folded list of all findings
fault         what a page says when the program is at fault
skeleton      what stands of a page before it is drawn
head          the title, which stands first
keyboard      keys for somebody without a mouse, and the drawer of a phone
model_menu    a visitor's own network
own_picture   a visitor's picture, as sent and as the network sees it
page          show_page: the address read, the page drawn, errors said
open_menu     what a visitor brings along
picture_menu  the choice of pictures
settings_menu what is rarely set
share         the address of the view, and its QR code
"""
