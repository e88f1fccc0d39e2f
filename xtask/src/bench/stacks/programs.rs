//! The programs, and scripts that have them work until they are ended. Each script runs in an empty folder of its own.

/// A program at work.
pub struct Program {
    pub name: &'static str,
    /// What Coral may call it begins with one of these.
    pub services: &'static [&'static str],
    /// Whether its code was compiled before it runs.
    pub is_native: bool,
    pub script: &'static str,
}

pub const PROGRAMS: [Program; 7] = [
    Program {
        name: "nginx",
        services: &["nginx"],
        is_native: true,
        script: r#"
            root=$PWD port=18471
            mkdir -p temp; head -c 200000 /dev/urandom | base64 > page
            cat > conf <<END
worker_processes 1; daemon off; user root; pid $root/pid; error_log $root/error.log;
events { }
http { access_log off; gzip on; gzip_types *; keepalive_requests 100000000;
client_body_temp_path $root/temp; proxy_temp_path $root/temp; fastcgi_temp_path $root/temp;
uwsgi_temp_path $root/temp; scgi_temp_path $root/temp;
server { listen 127.0.0.1:$port; location / { root $root; } } }
END
            PATH=$PATH:/usr/sbin nginx -c "$root/conf" & sleep 0.5
            hey -z 300s -c 8 -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/page""#,
    },
    Program {
        name: "redis",
        // Debian's servers are one file, which checks dumps under another name.
        services: &["redis-server", "redis-check"],
        is_native: true,
        script: r"
            redis-server --port 18472 --save '' & sleep 0.5
            redis-benchmark -p 18472 -c 8 -l -q -t set,get,lpush,zadd,lrange_300",
    },
    Program {
        name: "postgres",
        services: &["postgres"],
        is_native: true,
        script: r#"
            bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1) home=$(mktemp -d)
            chown postgres "$home"; cd "$home"; trap 'rm -rf "$home"' EXIT
            as() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
            as "$bin/initdb" -D data -A trust >&2
            as "$bin/postgres" -D data -p 18473 -k "$home" & sleep 3
            as "$bin/pgbench" -h "$home" -p 18473 -i -s 2 postgres >&2
            as "$bin/pgbench" -h "$home" -p 18473 -S -c 4 -T 300 postgres >&2"#,
    },
    Program {
        name: "python",
        services: &["python3", "work"],
        is_native: true,
        script: r#"
            cat > work.py <<END
import json, re, random
while True:
    data = [{"n": random.random(), "t": str(i) * 5} for i in range(2000)]
    text = json.dumps(sorted(data, key=lambda d: d["n"]))
    json.loads(text); re.findall("[0-9]+5", text)
END
            exec /usr/bin/python3 work.py"#,
    },
    Program {
        name: "git",
        services: &["git"],
        is_native: true,
        script: r"
            /usr/bin/git init -q .
            for i in $(seq 400); do head -c 60000 /dev/urandom | base64 > file$i; done
            /usr/bin/git add . >&2
            while :; do /usr/bin/git -c pack.threads=2 repack -q -a -d -f --window=400 --depth=100; done",
    },
    Program {
        name: "gcc",
        services: &["cc1"],
        is_native: true,
        script: r#"
            for i in $(seq 12000); do
                echo "int f$i(int a, int *b) { for (int i = 0; i < a; i++) b[i] = b[i] * $i + b[a - i] / (i + 1); return b[a]; }"
            done > big.c
            while :; do gcc -O2 -c big.c -o /dev/null; done"#,
    },
    Program {
        name: "node",
        services: &["node", "work"],
        is_native: false,
        script: r#"
            cat > work.js <<END
for (;;) {
  const data = Array.from({ length: 2000 }, (_, i) => ({ n: Math.random(), t: String(i).repeat(5) }));
  const text = JSON.stringify(data.sort((a, b) => a.n - b.n));
  JSON.parse(text); text.match(/[0-9]+5/g);
}
END
            exec /usr/bin/node work.js"#,
    },
];
