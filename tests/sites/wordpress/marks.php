<?php
/*
Plugin Name: Reservations
Description: Prints the mark of a post (its field `ai_mark`) in the robots meta tag, as plugins do
with the filter `wp_robots`; posts of the category `reserved` are marked in a header field.
*/

add_filter('wp_robots', function (array $directives): array {
    $mark = is_singular() ? get_post_meta(get_queried_object_id(), 'ai_mark', true) : '';
    foreach (array_filter(explode(' ', $mark)) as $name) {
        $directives[$name] = true;
    }
    return $directives;
});

add_action('template_redirect', function (): void {
    if (is_singular() && has_category('reserved', get_queried_object_id())) {
        header('X-Robots-Tag: noai');
    }
});
