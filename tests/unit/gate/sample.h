/* Small ordinary files for the tests of the gates, each valid by its own format. */
#ifndef AIRLOCK_TESTS_GATE_SAMPLE_H
#define AIRLOCK_TESTS_GATE_SAMPLE_H

#include "packer.h"

#define SAMPLE(text) ((struct sample){text, sizeof(text) - 1})

struct sample {
    const char *bytes;
    size_t len;
};

static const char PNG[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
                          "\0\0\0\x0aIDAT\x78\x9c\x63\0\1\0\0\5\0\1\x0d\x0a\x2d\xb4\0\0\0\0IEND\xae\x42\x60\x82";
/* With an end mark inside of its APP1 segment, as a thumbnail has, and an escaped FF and a restart in its data. */
static const char JPEG[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xe1\0\x0b"
                           "Exif\0\0\xff\xd9\0"
                           "\xff\xdb\0\x43\0aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggghhhhhhhh"
                           "\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09"
                           "\xff\xda\0\x08\1\1\0\0\x3f\0\x54\xff\0\x9f\xff\xd0\x12\xff\xd9";
static const char GIF[] =
    "GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0\x21\xf9\4\1\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;";
static const char PDF[] =
    "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\n"
    "endobj\nxref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n"
    "trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n108\n%%EOF\n";
static const char CSV[] = "site,patients,mean age\nLeeds,120,54.2\nYork,85,61.0\nHull,90,58.8\n";
static const char ELF[] =
    "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0\0\x78\0\x40\0\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/* Two letters a byte apart, with a byte order mark. */
static inline void sample_utf16(struct str *out, const char *text)
{
    str_append_len(out, "\xff\xfe", 2);
    for (; *text; text++) {
        str_append_char(out, *text);
        str_append_char(out, '\0');
    }
}

static inline void sample_docx(struct str *out)
{
    struct packer packer = pack_begin(out, archive_write_set_format_zip, NULL, "");
    static const char TYPES[] =
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
    static const char RELS[] = "<?xml version=\"1.0\"?><Relationships "
                               "xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"/>";
    static const char BODY[] =
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"/>";

    pack_file(&packer, "[Content_Types].xml", TYPES, sizeof TYPES - 1);
    pack_file(&packer, "_rels/.rels", RELS, sizeof RELS - 1);
    pack_file(&packer, "word/document.xml", BODY, sizeof BODY - 1);
    pack_end(&packer);
}

#endif
