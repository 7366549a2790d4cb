// Only what live.ts uses: re-exporting the whole SDK would bundle all of it.
export {
  collection,
  connectFirestoreEmulator,
  doc,
  getFirestore,
  limit,
  onSnapshot,
  query,
  where,
} from "firebase/firestore";
