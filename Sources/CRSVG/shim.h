#pragma once
// The functions of librsvg, cairo and fontconfig that pictures are written with, as types: the libraries are
// opened when the first picture is written. Linked, they and the fifty libraries behind them would
// add 7 ms to the start of every process. All of these are part of the libraries' stable interfaces
// (librsvg 2.46 and cairo 1.16 or later).
#include <stdint.h>

/// GError of GLib.
typedef struct {
  uint32_t domain;
  int code;
  char *message;
} NTError;

/// RsvgRectangle.
typedef struct {
  double x, y, width, height;
} NTRectangle;

/// The beginning of FcFontSet of fontconfig.
typedef struct {
  int count;
} NTFontSet;

/// cairo_write_func_t: 0 is CAIRO_STATUS_SUCCESS, 11 CAIRO_STATUS_WRITE_ERROR.
typedef int (*NTWrite)(void *closure, const unsigned char *data, unsigned int length);

// librsvg-2
typedef void *(*nt_rsvg_handle_new_from_data)(const uint8_t *, unsigned long, NTError **);
typedef int (*nt_rsvg_handle_render_document)(void *, void *, const NTRectangle *, NTError **);

// libgobject-2.0, libglib-2.0
typedef void (*nt_g_object_unref)(void *);
typedef void (*nt_g_error_free)(NTError *);

// libfontconfig
typedef int (*nt_FcInit)(void);
typedef NTFontSet *(*nt_FcConfigGetFonts)(void *, int);

// libcairo
typedef void *(*nt_cairo_image_surface_create)(int, int, int);
typedef void *(*nt_cairo_pdf_surface_create_for_stream)(NTWrite, void *, double, double);
typedef void (*nt_cairo_pdf_surface_set_metadata)(void *, int, const char *);
typedef void (*nt_cairo_pdf_surface_set_size)(void *, double, double);
typedef void (*nt_cairo_surface_show_page)(void *);
typedef int (*nt_cairo_surface_write_to_png_stream)(void *, NTWrite, void *);
typedef void (*nt_cairo_surface_finish)(void *);
typedef int (*nt_cairo_surface_status)(void *);
typedef void (*nt_cairo_surface_destroy)(void *);
typedef void *(*nt_cairo_create)(void *);
typedef void (*nt_cairo_scale)(void *, double, double);
typedef int (*nt_cairo_status)(void *);
typedef void (*nt_cairo_destroy)(void *);
typedef const char *(*nt_cairo_status_to_string)(int);
