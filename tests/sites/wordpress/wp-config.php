<?php
// A site of its own on the files of Debian's package; what differs comes from the environment.
// Debian's nginx leaves the port out, which WordPress then corrects by a redirect to the same URL.
$_SERVER['HTTP_HOST'] = substr(getenv('SITE_URL'), strlen('http://'));

define('DB_NAME', 'wordpress');
define('DB_USER', 'wordpress');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . getenv('SITE_FOLDER') . '/mariadb.sock');
define('DB_CHARSET', 'utf8mb4');
define('WP_CONTENT_DIR', getenv('SITE_FOLDER') . '/wp-content');
define('WP_CONTENT_URL', getenv('SITE_URL') . '/wp-content');
define('WP_HOME', getenv('SITE_URL'));
define('WP_SITEURL', getenv('SITE_URL'));
// Nothing but this machine is asked, and nothing runs in the background.
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_DEBUG', false);
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
