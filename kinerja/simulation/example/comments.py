"""Free-text comments of the example's citizens, in everyday Indonesian; all invented, names and numbers included."""

from __future__ import annotations

import numpy as np

COMMENT_SHARE = 0.2
PRIVATE_SHARE = 0.03
"""Share of all comments, and of these the share that holds something private (a name, a number, an address)."""

GOOD = (
    "Pelayanannya cepat dan petugasnya ramah, terima kasih.",
    "Alhamdulillah urusan {service} selesai hari itu juga.",
    "Petugas menjelaskan persyaratan dengan sabar.",
    "Sudah bagus, tolong dipertahankan.",
    "Ruang tunggunya bersih dan nyaman.",
    "Tidak ada pungutan sama sekali, mantap.",
    "Sekarang antreannya lebih tertib dibanding tahun lalu.",
    "Petugas loket sangat membantu orang tua saya.",
    "Prosesnya jelas, papan informasinya mudah dibaca.",
    "Respon lewat WhatsApp kelurahan cepat sekali.",
    "Hatur nuhun, pelayanan {service} memuaskan.",
    "Baru datang langsung dilayani, dokumen jadi dalam 20 menit.",
)
MIDDLING = (
    "Lumayan, tapi antrean masih panjang kalau hari Senin.",
    "Tolong ditambah kursi di ruang tunggu.",
    "Persyaratannya sebaiknya ditulis lengkap di media sosial.",
    "Pelayanan cukup baik, cuma tempat parkirnya sempit.",
    "Kalau bisa nomor antrean dipanggil pakai pengeras suara.",
    "Jam istirahat sebaiknya petugas bergantian supaya loket tetap buka.",
    "Hasilnya baik, hanya waktu {service} agak lama.",
    "Mohon ada petugas khusus untuk lansia.",
    "Formulir daring kadang tidak bisa dibuka dari HP.",
    "Perlu kotak saran dan jawaban atas aduan yang masuk.",
)
POOR = (
    "Sudah tiga kali bolak-balik karena persyaratannya berubah-ubah.",
    "Petugas sibuk main HP waktu warga antre.",
    "Surat saya belum jadi padahal janjinya dua hari.",
    "Aduan lewat aplikasi tidak pernah ditanggapi.",
    "Loket tutup sebelum jam dua belas.",
    "Menunggu {service} hampir tiga jam tanpa kabar.",
    "Toiletnya kotor dan tidak ada air.",
    "Penjelasan petugas membingungkan, beda orang beda jawaban.",
    "Tolong jangan dipersulit, kami warga kecil.",
    "Sistemnya sering gangguan, jadi harus datang lagi besok.",
)
PRIVATE = (  # what redaction has to find; the numbers and names are not anybody's
    "Tolong hubungi saya di 0812-0000-1234, surat saya belum selesai.",
    "Ibu Rasvina Tomekar di loket 2 kurang ramah kepada warga.",
    "Terima kasih kepada Pak Jatmuri Lantoro yang sudah membantu.",
    "NIK saya 0000123456780001 salah ketik di kartu keluarga.",
    "Kirim hasilnya ke warga.contoh@example.com ya.",
    "Rumah saya Jl. Contoh Mawar No. 12 RT 03 RW 05, tolong didatangi petugas.",
    "WA saya +62 813 0000 5678, mohon kabar soal {service}.",
)


def draw_comments(means: np.ndarray, services: np.ndarray, rng: np.random.Generator) -> list[str]:
    """One comment or "" for each respondent, its tone after the mean of the marks (1-4)."""
    n = len(means)
    written = rng.random(n) < COMMENT_SHARE * np.where(means < 2.5, 1.8, 1.0)
    private = rng.random(n) < PRIVATE_SHARE
    tone = means + rng.normal(0, 0.3, n)
    pick = rng.random(n)
    comments = []
    for i in range(n):
        if not written[i]:
            comments.append("")
            continue
        bank = PRIVATE if private[i] else GOOD if tone[i] > 3.3 else MIDDLING if tone[i] > 2.7 else POOR
        comments.append(bank[int(pick[i] * len(bank))].format(service=str(services[i]).lower()))
    return comments
