<?php
// Changes the site by WordPress's own functions: a list of [name, arguments] as JSON on standard
// input. Prints the result of each as a list.

$edits = json_decode(file_get_contents('php://stdin'), true, 512, JSON_THROW_ON_ERROR);
if ($edits[0][0] === 'install') {
    define('WP_INSTALLING', true);
}
require ABSPATH . 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/image.php';
require_once ABSPATH . 'wp-admin/includes/taxonomy.php';

// No mail to the administrator of a site that only a test visits.
function wp_new_blog_notification(): void {}

function install(string $title): int {
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    wp_install($title, 'painter', 'painter@studio.example', true, '', 'not secret');
    update_option('permalink_structure', '/%postname%/');
    delete_option('rewrite_rules');
    // Faces come from another site.
    update_option('show_avatars', 0);
    foreach (get_posts(['post_type' => ['post', 'page'], 'post_status' => 'any', 'numberposts' => -1]) as $post) {
        wp_delete_post($post->ID, true);
    }
    return wp_create_category('reserved');
}

function add_picture(string $file, string $name): int {
    $target = wp_upload_dir()['path'] . '/' . $name;
    copy($file, $target);
    $type = wp_check_filetype($name)['type'];
    $id = wp_insert_attachment(['post_title' => $name, 'post_mime_type' => $type, 'post_status' => 'inherit'], $target);
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $target));
    return $id;
}

// The block editor's own markup. The content filter adds `srcset`.
function image_block(int $id, string $size, string $link): string {
    $source = wp_get_attachment_image_src($id, $size)[0];
    $image = "<img src=\"$source\" alt=\"\" class=\"wp-image-$id\"/>";
    $target = ['media' => wp_get_attachment_url($id), 'attachment' => get_attachment_link($id)][$link] ?? null;
    $inner = $target ? "<a href=\"$target\">$image</a>" : $image;
    $attributes = json_encode(['id' => $id, 'sizeSlug' => $size, 'linkDestination' => $link], JSON_UNESCAPED_SLASHES);
    return "<!-- wp:image $attributes -->\n<figure class=\"wp-block-image size-$size\">$inner</figure>\n<!-- /wp:image -->\n";
}

function gallery_block(array $ids): string {
    $images = implode('', array_map(fn ($id) => image_block($id, 'large', 'media'), $ids));
    return "<!-- wp:gallery {\"linkTo\":\"media\"} -->\n<figure class=\"wp-block-gallery has-nested-images columns-default is-cropped\">"
        . "$images</figure>\n<!-- /wp:gallery -->\n";
}

// Posts show their pictures; a page shows one, with a link to the page of the picture itself.
function add_post(string $slug, array $pictures, string $date, string $mark = '', bool $reserved = false, string $type = 'post', string $status = 'publish'): int {
    $id = wp_insert_post([
        'post_title' => ucfirst($slug), 'post_name' => $slug, 'post_type' => $type, 'post_status' => 'draft',
        'post_author' => 1, 'post_excerpt' => "About $slug.",
        'post_category' => $reserved ? [get_cat_ID('reserved')] : [],
    ], true);
    foreach ($pictures as $picture) {
        wp_update_post(['ID' => $picture, 'post_parent' => $id]);
    }
    set_post_thumbnail($id, $pictures[0]);
    set_mark($id, $mark);
    // The link has the address that the post will have.
    wp_update_post(['ID' => $id, 'post_status' => $status, 'post_date' => $date, 'edit_date' => true]);
    $content = count($pictures) > 1 ? gallery_block($pictures)
        : image_block($pictures[0], 'large', $type === 'page' ? 'attachment' : 'none');
    add_text($id, "About $slug.", $content);
    return $id;
}

function set_mark(int $post, string $mark): bool {
    return (bool) ($mark === '' ? delete_post_meta($post, 'ai_mark') : update_post_meta($post, 'ai_mark', $mark));
}

function set_reserved(int $post, bool $reserved): void {
    wp_set_post_categories($post, $reserved ? [get_cat_ID('reserved')] : []);
}

function add_text(int $post, string $text, string $blocks = ''): void {
    $content = get_post($post)->post_content . "<!-- wp:paragraph --><p>$text</p><!-- /wp:paragraph -->\n$blocks";
    wp_update_post(['ID' => $post, 'post_content' => $content]);
}

function add_comment(int $post, string $text): void {
    wp_insert_comment(['comment_post_ID' => $post, 'comment_content' => $text, 'comment_author' => 'A visitor', 'comment_approved' => 1]);
}

function delete_post(int $post): void {
    array_map(fn ($picture) => wp_delete_attachment($picture->ID, true), get_attached_media('image', $post));
    wp_delete_post($post, true);
}

function replace_picture(int $id, string $file): void {
    $target = get_attached_file($id);
    copy($file, $target);
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $target));
}

echo json_encode(array_map(fn ($edit) => $edit[0](...$edit[1]), $edits), JSON_THROW_ON_ERROR);
